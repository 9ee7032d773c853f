/**
 * The look of cart and checkout: plain, in the page's own type, themed by custom properties and
 * ::part(). Logical properties only, for right-to-left.
 */

const LOOK = `
:host { display: inline-block; font: inherit; color: inherit; outline: none !important; }
:host([view="page"]), :host(commerce-checkout) { display: block; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; min-block-size: 2.75rem; min-inline-size: 2.75rem; padding: .4em .9em;
  border: 1px solid var(--commerce-line, #767676); border-radius: var(--commerce-radius, .3rem);
  background: var(--commerce-button, transparent); }
button.main { background: var(--commerce-accent, #1a4fd6); color: var(--commerce-on-accent, #fff);
  border-color: transparent; }
button[aria-disabled="true"] { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--commerce-focus, var(--commerce-accent, #1a4fd6));
  outline-offset: 2px; }
input:not([type=radio]) { min-block-size: 2.75rem; padding: .4em .6em; inline-size: 100%;
  border: 1px solid var(--commerce-line, #767676); border-radius: var(--commerce-radius, .3rem);
  background: var(--commerce-field, #fff); color: var(--commerce-on-field, #111); }
dialog { margin-block: 0; margin-inline: auto 0; block-size: 100dvh; max-block-size: none;
  inline-size: min(26rem, 100vw); max-inline-size: none; padding: 1rem; border: 0; overflow: auto;
  background: var(--commerce-surface, Canvas); color: var(--commerce-text, CanvasText);
  animation: in .2s ease-out; }
dialog::backdrop { background: rgb(0 0 0 / .45); }
@keyframes in { from { opacity: 0; } }
@media (prefers-reduced-motion: reduce) { dialog { animation: none; } }
header { display: flex; justify-content: space-between; align-items: center; gap: 1rem; }
h2 { font-size: 1.25em; margin-block: .5em; }
ul { list-style: none; margin: 0; padding: 0; }
li.line { display: grid; grid-template-columns: 4rem 1fr auto; gap: .25rem .75rem;
  padding-block: .75rem; border-block-end: 1px solid var(--commerce-line, #ccc); }
li.line:not(:has(img)) { grid-template-columns: 0 1fr auto; margin-inline-start: -.75rem; }
li.line img { inline-size: 4rem; block-size: 4rem; object-fit: cover; grid-row: span 2; }
li.line .words { grid-column: 2; }
li.line .amount { grid-column: 3; text-align: end; }
li.line .steps { grid-column: 2 / -1; display: flex; gap: .35rem; align-items: center; }
li.line .steps input { inline-size: 4rem; text-align: center; }
small { display: block; opacity: .8; }
dl { display: grid; grid-template-columns: 1fr auto; gap: .25rem 1rem; margin-block: 1rem; }
dd { margin: 0; text-align: end; }
.total { font-weight: bold; }
form.code { display: flex; gap: .5rem; align-items: end; margin-block: 1rem; }
label { display: block; margin-block: .6rem; flex: 1; }
form.code label { margin: 0; }
fieldset { border: 0; padding: 0; margin: 0; }
fieldset label.choice { display: flex; gap: .6rem; align-items: center; min-block-size: 2.75rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; margin-block: 1rem; }
.row button.main { flex: 1; }
:host(commerce-checkout) section { max-inline-size: var(--commerce-width, 36rem); }
[role=alert]:not(:empty) { border-inline-start: 4px solid var(--commerce-alarm, #b3261e);
  padding: .5rem .75rem; margin-block: .75rem; }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
`;

let sheet = null;

/** Give an element a shadow root of its own with this look; answers the root. */
export function dressed(element) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(LOOK);
  }
  const root = element.shadowRoot ?? element.attachShadow({ mode: 'open', delegatesFocus: false });
  root.adoptedStyleSheets = [sheet];
  return root;
}
