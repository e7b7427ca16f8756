// The contents beside the text mark the section that is read.
(() => {
  const links = [...document.querySelectorAll(".contents a")];
  const parts = links.map((link) => document.querySelector(link.getAttribute("href")));
  if (!links.length) return;
  const mark = () => {
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    const line = innerHeight / 3;
    const begun = parts.findLastIndex((part) => part.getBoundingClientRect().top <= line);
    const read = end && scrollY > 0 ? links.length - 1 : Math.max(begun, 0);
    links.forEach((link, number) => (number === read ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current")));
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  mark();
})();
