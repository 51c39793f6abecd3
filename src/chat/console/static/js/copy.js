/* Copies a value from the page as it stands there. Where the browser keeps the clipboard from the page (no https), the text is selected. */
(() => {
  const show = () => {
    for (const button of document.querySelectorAll('button[data-copies][hidden]')) button.hidden = false;
  };

  function select(element) {
    for (let parent = element.closest('details'); parent !== null; parent = parent.parentElement.closest('details'))
      parent.open = true;
    getSelection().selectAllChildren(element);
  }

  document.addEventListener('click', async event => {
    const button = event.target instanceof Element ? event.target.closest('button[data-copies]') : null;
    const element = button === null ? null : document.getElementById(button.dataset.copies);
    if (element === null) return;
    const word = button.firstChild;
    try {
      await navigator.clipboard.writeText(element.textContent);
      word.textContent = 'Copied';
    } catch {
      select(element);
      word.textContent = 'Selected';
    }
    setTimeout(() => {
      word.textContent = 'Copy';
    }, 2000);
  });

  document.addEventListener('htmx:after:swap', show);
  show();
})();
