// The texts of the page in the language of the moment. Pure but for apply(), which writes them into the page.

export const TAGS = { "zh-hans": "zh-Hans", en: "en" };

export class Words {
  constructor(catalogues, language) {
    this.catalogues = catalogues;
    this.language = language;
  }

  get isEnglish() {
    return this.language === "en";
  }

  /** The text with a dotted key, {name} filled in; the key itself where there is none, so that a gap is seen and not a crash. */
  t(key, values = {}) {
    const found = this.lookUp(key);
    return String(found ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  /** What stands under a dotted key, or undefined. */
  lookUp(key) {
    return key.split(".").reduce((value, part) => value?.[part], this.catalogues[this.language]);
  }

  /** A word of the server's in this language; itself where there is no other. */
  choice(word) {
    return this.catalogues[this.language].choices[word] ?? word;
  }

  /** Who a row of the summary is about, told in Chinese by the server. */
  relation(chinese) {
    const found = Object.entries(this.catalogues["zh-hans"].relations).find(([, name]) => name === chinese);
    return found ? this.catalogues[this.language].relations[found[0]] : chinese;
  }

  /** The name of a service. */
  service({ code, name }) {
    return this.catalogues[this.language].services[code] ?? name;
  }

  toggle() {
    this.language = this.isEnglish ? "zh-hans" : "en";
  }

  /** Writes every text below `root` that knows its key, and the page's own language. */
  apply(root) {
    root.documentElement.lang = TAGS[this.language];
    root.title = this.t("title");
    for (const element of root.querySelectorAll("[data-words]")) element.textContent = this.t(element.dataset.words);
    for (const attribute of ["aria-label", "placeholder"]) {
      for (const element of root.querySelectorAll(`[data-words-${attribute}]`)) {
        element.setAttribute(attribute, this.t(element.getAttribute(`data-words-${attribute}`)));
      }
    }
  }
}
