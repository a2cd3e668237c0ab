import { useLayoutEffect } from "react";

/** While a page is covered the tab says this, whatever the page writes there: the browser shows the first title. */
export function useCoveredTitle(title: string): void {
  useLayoutEffect(() => {
    const own = document.createElement("title");
    own.textContent = title;
    const first = () => {
      if (document.head.querySelector("title") !== own) document.head.prepend(own);
    };
    first();
    const watch = new MutationObserver(first);
    watch.observe(document.head, { childList: true });
    return () => {
      watch.disconnect();
      own.remove();
    };
  }, [title]);
}
