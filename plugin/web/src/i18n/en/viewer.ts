export const viewer = {
  "view.action": "View",
  "view.what": "{what}, {patient}",
  "view.label": "View the images of {what}",
  "view.no_permission": "Your account may not view images.",

  "viewer.title": "Images",
  "viewer.opening": "Opening the viewer…",
  "viewer.frame": "Image viewer",
  "viewer.close": "Close",
  "viewer.elsewhere": "Open the viewer in a new tab",
  "viewer.tab": "New tab",
  "viewer.tab.opened": "The viewer opened in a new tab.",
  "viewer.tab.again": "No tab? Open it here",
  "viewer.beside": "Beside it",
  "viewer.beside.none": "Nothing",
  "viewer.beside.priors": "Earlier studies",
  "viewer.beside.other": "Another study",
} as const;
