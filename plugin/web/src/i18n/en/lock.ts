/** The locked page, and one sign-in for all tabs. */
export const lock = {
  "lock.title": "Locked",
  "lock.text": "{name}, enter your password to go on. What you have typed is kept, and uploads go on.",
  "lock.launched": "Open this page again from the EHR: this tab then goes on where it was. What is typed is kept, and uploads go on.",
  "lock.unlock": "Unlock",
  "lock.somebody_else": "Somebody else signs in",
  "lock.somebody_else.hint": "What {name} has typed in this tab and not saved is then discarded. Nobody else gets to see it.",
  "lock.somebody_else.uploading": "Files of {name} are still being sent from this tab: the rest of them is then not sent, and what is typed and not saved is discarded.",
  "lock.other.title": "{name} has signed in in another tab",
  "lock.other.text": "This tab was {name}'s, and stays hidden until {name} signs in again. {other} goes on with a fresh page: what {name} has typed here and not saved is then discarded.",
  "lock.other.go_on": "Go on as {name}",
  "lock.other.back": "Sign in again as {name}",
  "lock.now": "Lock",
  "lock.now.title": "Lock all tabs (Shift+L)",
  "lock.now.shortcut": "Lock all tabs until you enter your password",

  "visit.label": "Opened from the EHR",
  "visit.back": "What the EHR opened",
  "visit.other.title": "This tab was opened from the EHR for one patient",
  "visit.other.text": "The lists and settings are not part of that. Sign in here with an account of your own to see them.",
  "visit.password.title": "Your password is not ours",
  "visit.password.text": "The EHR has signed you in. Change your password there.",
} as const;
