/**
 * Every word the page shows, in English: one file per area. A translation has the same keys (i18n/de).
 *
 * `{name}` is filled in; a message with `one`/`other` is chosen by `{count}`.
 */
import { app } from "./app";
import { auth } from "./auth";
import { orders } from "./orders";
import { review } from "./review";
import { studies } from "./studies";
import { upload } from "./upload";
import { values } from "./values";
import { viewer } from "./viewer";

export const en = { ...app, ...auth, ...orders, ...review, ...studies, ...upload, ...values, ...viewer } as const;
