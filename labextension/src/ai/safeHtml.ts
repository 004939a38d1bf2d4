import type { IRenderMime } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

/** The only elements that an answer consists of. */
const TAGS = new Set(
  (
    'a b blockquote br caption code del details div dd dl dt em figcaption figure h1 h2 h3 h4 h5 h6 ' +
    'hr i img input kbd li mark ol p pre s samp small span strong sub summary sup table tbody td ' +
    'tfoot th thead tr u ul var'
  ).split(' ')
);

const ATTRIBUTES: Record<string, ReadonlySet<string>> = {
  ol: new Set(['start']),
  td: new Set(['align', 'colspan', 'rowspan']),
  th: new Set(['align', 'colspan', 'rowspan']),
  details: new Set(['open'])
};

/** Classes of the application that draw text, and are given to nothing to press. */
const DRAWN = new Set([
  'jp-runt-blocked',
  'jp-RenderedMermaid',
  'jp-RenderedMermaid-Details',
  'jp-RenderedMermaid-Summary',
  'jp-mod-warning'
]);

/** What loads something from elsewhere; a note says that it did not. */
const EMBEDDED = 'img,audio,video,picture,iframe,embed,object,svg,canvas';

/** Images that are in the text itself: nothing is asked of anybody. */
const INLINE_IMAGE = /^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i;

const LINK = /^(https?:\/\/|mailto:)/i;

/** TeX that reaches out of its formula. */
const TEX = /\\(href|style|class|cssId|data|require)(?![a-zA-Z])/g;

/**
 * Lets nothing of an answer reach outside by itself, or look like one of our buttons.
 *
 * What a model writes may have been told to it by an output or a file: an image's address could
 * carry away what the notebook says, as soon as it is drawn.
 */
export class AnswerSanitizer implements IRenderMime.ISanitizer {
  constructor(
    private _sanitizer: IRenderMime.ISanitizer,
    private _trans: TranslationBundle
  ) {}

  readonly allowNamedProperties = false;
  readonly allowCommandLinker = false;

  /**
   * Whether addresses become links.
   */
  getAutolink(): boolean {
    return false;
  }

  /**
   * Return HTML that is safe to draw.
   */
  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    // A document of its own: nothing in it is loaded or run.
    const { body } = new DOMParser().parseFromString(dirty, 'text/html');
    for (const element of body.querySelectorAll(EMBEDDED)) {
      const source = element.getAttribute('src') ?? '';
      if (element.tagName !== 'IMG' || !INLINE_IMAGE.test(source)) {
        element.replaceWith(this._note(element, source));
      }
    }
    const clean = this._sanitizer.sanitize(body.innerHTML, options);
    body.innerHTML = clean;
    [...body.querySelectorAll('*')].forEach(restrain);
    restrainTex(body);
    return body.innerHTML;
  }

  private _note(element: Element, source: string): HTMLElement {
    const note = document.createElement('span');
    note.className = 'jp-runt-blocked';
    const name = element.getAttribute('alt')?.trim() || hostOf(source);
    note.textContent =
      name === ''
        ? this._trans.__('Image not loaded')
        : this._trans.__('Image not loaded: %1', name);
    return note;
  }
}

/**
 * Open a link of an answer where the person chose it: with a click, or the keyboard.
 */
export function openLink(event: Event): void {
  const { target } = event;
  const link = target instanceof Element ? target.closest('a') : null;
  const address = link?.dataset['runtHref'];
  if (address === undefined) {
    return;
  }
  if (event instanceof KeyboardEvent && event.key !== 'Enter') {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  window.open(address, '_blank', 'noopener,noreferrer');
}

function restrain(element: Element): void {
  const tag = element.tagName.toLowerCase();
  if (!TAGS.has(tag)) {
    element.replaceWith(...element.childNodes);
    return;
  }
  const address = element.getAttribute('href') ?? '';
  for (const { name, value } of [...element.attributes]) {
    if (name === 'class') {
      element.className = harmless(value);
    } else if (!keeps(tag, name, value)) {
      element.removeAttribute(name);
    }
  }
  if (tag === 'a' && LINK.test(address)) {
    // Without `href`, no browser looks up or fetches anything beforehand.
    element.setAttribute('data-runt-href', address);
    element.setAttribute('title', address);
    element.setAttribute('role', 'link');
    element.setAttribute('tabindex', '0');
  } else if (tag === 'input') {
    element.setAttribute('type', 'checkbox');
    element.setAttribute('disabled', '');
  }
}

function keeps(tag: string, name: string, value: string): boolean {
  return (
    (ATTRIBUTES[tag]?.has(name) ?? false) ||
    (tag === 'input' && name === 'checked') ||
    (tag === 'img' &&
      (name === 'alt' ||
        (name === 'src' && INLINE_IMAGE.test(value)) ||
        (/^(width|height)$/.test(name) && /^\d{1,4}$/.test(value))))
  );
}

/** The names of the application's own styles would let text look like the application. */
function harmless(names: string): string {
  return names
    .split(/\s+/)
    .filter(name => DRAWN.has(name) || !/^(jp|lm|p)-/.test(name))
    .join(' ');
}

function restrainTex(body: HTMLElement): void {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    if (!node.parentElement?.closest('pre,code')) {
      node.data = node.data.replace(TEX, '\\mathtt{$1}');
    }
  }
}

function hostOf(source: string): string {
  try {
    return new URL(source).host;
  } catch {
    return '';
  }
}
