export const auth = {
  "sign_in.title": "Sign in",
  "sign_in.lead": "Imaging orders, uploads and studies.",
  "sign_in.username": "User name",
  "sign_in.password": "Password",
  "sign_in.show_password": "Show password",
  "sign_in.submit": "Sign in",
  "sign_in.busy": "Signing in…",
  "sign_in.missing": "Enter your user name and your password.",
  "sign_in.wrong": "User name or password is wrong.",
  "sign_in.again.title": "Your session has ended",
  "sign_in.again.text": "Sign in again to go on where you were. A running upload waits for you.",
  "sign_in.again.launched": "Open this page again from the EHR, or sign in with your password here if you have one.",
  "sign_in.again.other": "Use another account",

  "sign_out.confirm.title": "Stop the upload and sign out?",
  "sign_out.confirm.text": "Files are still being sent. What is already stored stays stored; the rest is not sent.",
  "sign_out.confirm.yes": "Stop and sign out",
  "sign_out.confirm.no": "Keep uploading",

  "launch.title": "Opened from the EHR",
  "launch.unknown.title": "The EHR's request was not understood",
  "launch.unknown.text": "It names neither a study, an order nor a patient that could be opened. Tell your administrator.",
} as const;
