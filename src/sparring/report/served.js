// Renews what is under way, and the page as soon as a run has ended. Of the served page alone.
"use strict";

(() => {
  const now = document.getElementById("now");
  const every = 2000; // milliseconds

  async function renew() {
    try {
      const answer = await fetch("now");
      now.innerHTML = await answer.text(); // escaped where it is made
      const page = now.firstElementChild.dataset.page;
      if (page !== now.dataset.page) location.reload();
    } catch {
      now.lastElementChild.textContent = "Nobody serves this page any more: it stays as it is.";
    }
    setTimeout(renew, every);
  }

  setTimeout(renew, every);
})();
