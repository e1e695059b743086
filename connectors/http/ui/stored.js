// What a tab keeps until it is closed, where its reader lets it keep something.

/** Do something with the tab's storage; null where that is switched off. */
export function stored(action) {
  try {
    return action(sessionStorage);
  } catch {
    return null;
  }
}
