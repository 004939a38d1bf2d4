import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IArtifact } from './reference';

/**
 * An artifact does not count for the notebook, or its bytes are gone.
 */
export class ArtifactGone extends Error {}

/**
 * Where the artifacts of a notebook come from.
 */
export class ArtifactSource {
  /**
   * @param notebookId - Returns the id of the notebook, once it is known.
   */
  constructor(
    private readonly _notebookId: () => Promise<string>,
    private readonly _settings: ServerConnection.ISettings
  ) {}

  /**
   * Return the address of an artifact.
   */
  async url({ sha256 }: IArtifact): Promise<string> {
    return URLExt.join(
      this._settings.baseUrl,
      'api/runt/notebooks',
      encodeURIComponent(await this._notebookId()),
      'artifacts',
      sha256
    );
  }

  /**
   * Read an artifact.
   *
   * @param onProgress - Called with the number of bytes that came.
   */
  async read(
    artifact: IArtifact,
    signal: AbortSignal,
    onProgress: (bytes: number) => void
  ): Promise<Uint8Array<ArrayBuffer>> {
    const response = await ServerConnection.makeRequest(
      await this.url(artifact),
      { signal, cache: 'default' },
      this._settings
    );
    if (response.status === 404) {
      throw new ArtifactGone();
    }
    if (!response.ok || response.body === null) {
      throw new ServerConnection.ResponseError(response);
    }
    const bytes = new Uint8Array(artifact.size);
    const reader = response.body.getReader();
    let at = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return bytes.subarray(0, at);
      }
      bytes.set(value.subarray(0, bytes.length - at), at);
      at = Math.min(at + value.length, bytes.length);
      onProgress(at);
    }
  }
}
