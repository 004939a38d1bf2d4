import type { IAuthor } from '../model/authors';

/**
 * Create a line that says who did something, after their avatars.
 */
export function authorLine(
  authors: readonly IAuthor[],
  text: string
): HTMLElement {
  const line = document.createElement('div');
  line.className = 'jp-runt-authors';
  for (const { color, initials } of authors) {
    const avatar = document.createElement('span');
    avatar.className = 'jp-runt-avatar';
    avatar.style.backgroundColor = color;
    avatar.textContent = initials;
    // The text has the names.
    avatar.setAttribute('aria-hidden', 'true');
    line.append(avatar);
  }
  line.append(text);
  return line;
}
