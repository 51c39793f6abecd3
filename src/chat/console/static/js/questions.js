/* How long there is to decide, counted on. The words are those of the server (leftText in src/model/card.ts). */
(() => {
  function leftText(milliseconds) {
    const minutes = Math.floor(milliseconds / 60000);
    if (milliseconds <= 0) return 'no time left';
    if (minutes < 1) return 'less than a minute left';
    if (minutes < 60) return `${minutes} min left`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`} left`;
    return `${Math.floor(hours / 24)} days left`;
  }

  /** The server's clock by the newest time that it gave: browsers' clocks may be wrong. */
  let ahead = 0;
  let newest = 0;

  function tick() {
    const all = document.querySelectorAll('[data-left]');
    for (const element of all) {
      const said = Number(element.dataset.now);
      if (said <= newest) continue;
      newest = said;
      ahead = said - Date.now();
    }
    const now = Date.now() + ahead;
    for (const element of all) {
      const text = leftText(Number(element.dataset.left) - now);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  tick();
  setInterval(tick, 1000);
})();
