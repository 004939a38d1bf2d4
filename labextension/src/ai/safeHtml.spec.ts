import { Sanitizer } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import { AnswerSanitizer, openLink } from './safeHtml';

const trans = nullTranslator.load('jupyter_runt');

function drawn(html: string): HTMLElement {
  const host = document.createElement('div');
  host.innerHTML = new AnswerSanitizer(new Sanitizer(), trans).sanitize(html);
  return host;
}

describe('AnswerSanitizer', () => {
  it.each([
    '<img src="https://evil.example/?leak" alt="a plot">',
    '<img srcset="https://evil.example/?leak 2x" alt="a plot">',
    '<img src="/files/leak.png" alt="a plot">',
    '<picture alt="a plot"><source srcset="https://evil.example/"><img></picture>',
    '<video poster="https://evil.example/" src="https://evil.example/" alt="a plot"></video>',
    '<svg alt="a plot"><image href="https://evil.example/"/></svg>'
  ])('loads nothing, and says so: %s', html => {
    const host = drawn(html);
    expect(host.innerHTML).not.toMatch(/evil|files|src|<(img|video|image)/);
    expect(host.textContent).toBe('Image not loaded: a plot');
  });

  it('has no styles that load something', () => {
    const host = drawn(
      '<p style="background: url(https://evil.example)">a</p>' +
        '<style>p { background: url(https://evil.example) }</style>' +
        '<link rel="stylesheet" href="https://evil.example">' +
        '<table background="https://evil.example"><td>b</td></table>'
    );
    expect(host.innerHTML).not.toContain('evil');
    expect(host.textContent).toBe('ab');
  });

  it('keeps images that are in the text itself', () => {
    const host = drawn('<img alt="dot" src="data:image/png;base64,AAAA">');
    expect(host.querySelector('img')?.alt).toBe('dot');
    expect(drawn('<img src="data:text/html,x">').querySelector('img')).toBe(
      null
    );
  });

  it('keeps diagrams as large as they are, without their source', () => {
    const image = '<img src="data:image/svg+xml,x" width="86">';
    const diagram = `<div class="jp-RenderedMermaid">${image}</div>`;
    expect(drawn(diagram).innerHTML).toBe(diagram);
    const huge = image.replace('86', '99999');
    expect(drawn(huge).innerHTML).not.toContain('width');
  });

  it('opens links only when they are chosen', () => {
    const open = vi.spyOn(window, 'open').mockReturnValue(null);
    const host = drawn(
      '<a href="https://example.org/a" data-commandlinker-command="x">link</a>' +
        '<a href="javascript:alert(1)">script</a>'
    );
    const [link, script] = host.querySelectorAll('a');
    host.addEventListener('click', openLink);
    expect(link.hasAttribute('href')).toBe(false);
    expect(link.title).toBe('https://example.org/a');
    expect(link.dataset['commandlinkerCommand']).toBe(undefined);
    script.click();
    expect(open).not.toHaveBeenCalled();
    link.click();
    expect(open).toHaveBeenCalledExactlyOnceWith(
      'https://example.org/a',
      '_blank',
      'noopener,noreferrer'
    );
  });

  it('has nothing that looks like, or is, a button of ours', () => {
    const host = drawn(
      '<div class="jp-runt-Approval lm-Widget cm-keyword" id="x" role="button">' +
        '<button onclick="x()">Allow</button><form><input name="a"></form></div>'
    );
    expect(host.innerHTML).toBe(
      '<div class="cm-keyword">Allow<input type="checkbox" disabled=""></div>'
    );
  });

  it('keeps formulas to themselves', () => {
    const tex = '$\\href{https://a.b}{x} \\style{color:red}{y} \\hreff$';
    expect(drawn(`<p>${tex}</p>`).textContent).toBe(
      '$\\mathtt{href}{https://a.b}{x} \\mathtt{style}{color:red}{y} \\hreff$'
    );
    expect(drawn(`<code>${tex}</code>`).textContent).toBe(tex);
  });
});
