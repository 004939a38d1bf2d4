import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

/**
 * How far below or above what is on the screen it begins to load.
 */
const MARGIN = '600px';

/**
 * Call back once when a node is on the screen, or about to be.
 */
export function onceInView(node: Element, callback: () => void): IDisposable {
  const observer = new IntersectionObserver(
    entries => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        observer.disconnect();
        callback();
      }
    },
    { rootMargin: MARGIN }
  );
  observer.observe(node);
  return new DisposableDelegate(() => observer.disconnect());
}
