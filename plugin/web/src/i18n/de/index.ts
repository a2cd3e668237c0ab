/** Every word the page shows, in German. The compiler sees that none is missing. */
import type { Catalogue } from "..";
import { app } from "./app";
import { auth } from "./auth";
import { orders } from "./orders";
import { review } from "./review";
import { studies } from "./studies";
import { upload } from "./upload";
import { values } from "./values";
import { viewer } from "./viewer";

export const de: Catalogue = { ...app, ...auth, ...orders, ...review, ...studies, ...upload, ...values, ...viewer };
