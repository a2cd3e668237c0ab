/** Whether a key is for a text field, a dialog or the browser, and not for the page. Pure. */
export function isForPage(event: Pick<KeyboardEvent, "ctrlKey" | "metaKey" | "altKey" | "target" | "defaultPrevented" | "isComposing">): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return false;
  const { target } = event;
  if (!(target instanceof Element)) return true;
  return !target.closest("input, textarea, select, dialog, [contenteditable]:not([contenteditable='false'])");
}
