// What a signature sheet leaves on this device, and how it goes: with its key at once, with the rest
// right after. Signatures that still wait to be sent are no part of it.

export const KEY = "nuanzhang-sheet-key";
export const SHEETS = "nuanzhang-sheets";
export const SHELL = "nuanzhang-signing";

export function forgetSheets() {
  sessionStorage.removeItem(KEY);
  indexedDB.deleteDatabase(SHEETS);
  globalThis.caches?.delete(SHELL);
  navigator.serviceWorker?.getRegistrations().then((all) => all.forEach((each) => each.unregister()));
}
