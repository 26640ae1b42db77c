"""How fast this machine trains: ours against the loops of the public tutorials and the limit.

    pictures.py        stand-ins as arrays in memory and as image files on disk
    tutorial_nets.py   the four systems' networks, as the tutorials write them
    tutorial.py        the four training loops, as the tutorials write them
    contender.py       a training in a process of its own, which stands still between its turns
    limit.py           what the machine's arithmetic and memory allow at best
    contest.py         turns A/B/A/B, medians and spreads
    table.py           the rows, on the screen and as JSON

Knows jobs, methods and the trainer, through their public names; knows no report.
"""
