import { URLExt } from '@jupyterlab/coreutils';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Return where a person finds a notebook that another server has open.
 *
 * A server names the address that it listens on. People may come to it by
 * another: through a hub, which tells servers apart by their paths, or at the
 * host's name in the network.
 *
 * @param there - What the other server calls itself.
 * @param here - The address of our server, as this page knows it.
 * @param path - The notebook's path.
 */
export function notebookElsewhere(
  there: string,
  here: string,
  path: string
): string {
  const other = new URL(there);
  const own = new URL(here);
  if (!LOOPBACK.test(own.hostname)) {
    other.protocol = own.protocol;
    other.hostname = own.hostname;
    if (other.pathname !== own.pathname) {
      other.port = own.port;
    }
  }
  return URLExt.join(
    `${other.origin}${other.pathname}`,
    'lab/tree',
    URLExt.encodeParts(path)
  );
}
