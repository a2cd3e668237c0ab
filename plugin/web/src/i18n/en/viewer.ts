export const viewer = {
  "view.action": "View",
  "view.what": "{what}, {patient}",
  "view.label": "View the images of {what}",
  "view.busy": "Opening…",
  "view.opened": "The viewer opened in a new tab.",
  "view.again": "No tab? Open it here",
  "view.forbidden": "Your account may not view these images.",
  "view.not_found": "The images are not in the archive any more.",
  "view.failed": "The viewer could not be opened. Try again.",
  "view.no_permission": "Your account may not view images.",
} as const;
