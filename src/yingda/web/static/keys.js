// Enter that accepts a candidate of an input method must never send (Chinese, Japanese, Korean, and dead keys).

/**
 * Call `onEnter` when Enter is meant as "send" in `field`.
 * `modifier`: only with Ctrl or Command (the console); otherwise plain Enter, and Shift+Enter stays a line break.
 */
export function watchEnter(field, onEnter, { modifier = false } = {}) {
  // Safari ends the composition first and then fires the keydown of the very key that ended it, in the same task.
  let justComposed = false;
  let composing = false;
  field.addEventListener("compositionstart", () => { composing = true; });
  field.addEventListener("compositionend", () => {
    composing = false;
    justComposed = true;
    setTimeout(() => { justComposed = false; }, 0);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const accepts = composing || justComposed || event.isComposing || event.keyCode === 229;
    justComposed = false;
    if (accepts) return;
    const wanted = modifier ? event.ctrlKey || event.metaKey : !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    if (!wanted) return;
    event.preventDefault();
    if (!event.repeat) onEnter();
  });
}
