import type { TranslationBundle } from '@jupyterlab/translation';

import { fileName, type IArtifact, sizeInWords } from './reference';

/**
 * What can be done with an artifact, beside its content.
 */
export class ArtifactBar {
  constructor(artifact: IArtifact, trans: TranslationBundle) {
    this._trans = trans;
    this.node.className = 'jp-runt-ArtifactBar';
    this._size.textContent = sizeInWords(artifact.size);
    this._download.textContent = trans.__('Download');
    this._download.download = fileName(artifact);
    this._progress.max = artifact.size;
    this._progress.setAttribute('aria-label', trans.__('Loading the output'));
    this.node.append(this._size, this._download);
  }

  readonly node = document.createElement('div');

  /**
   * Say where the artifact is.
   */
  set url(url: string) {
    this._download.href = url;
  }

  /**
   * Offer to show all of it.
   */
  offerAll(show: () => void): void {
    const button = document.createElement('button');
    button.textContent = this._trans.__('Show All');
    button.className = 'jp-mod-styled';
    button.onclick = () => {
      button.remove();
      show();
    };
    this.node.insertBefore(button, this._download);
  }

  /**
   * Say how many bytes came; null when nothing is loading.
   */
  set loaded(bytes: number | null) {
    if (bytes === null) {
      this._progress.remove();
      return;
    }
    this._progress.value = bytes;
    if (!this._progress.isConnected) {
      this.node.insertBefore(this._progress, this._download);
    }
  }

  /**
   * Say why it is not shown.
   */
  fail(isGone: boolean, retry: () => void): void {
    const words = document.createElement('span');
    words.className = 'jp-runt-ArtifactFailure';
    words.setAttribute('role', 'status');
    words.textContent = isGone
      ? this._trans.__(
          'This output is gone: the server does not have it for this notebook. Run the cell again.'
        )
      : this._trans.__('This output could not be loaded.');
    this.node.replaceChildren(this._size, words);
    this.node.classList.add('jp-mod-failed');
    if (!isGone) {
      const button = document.createElement('button');
      button.textContent = this._trans.__('Try Again');
      button.className = 'jp-mod-styled';
      button.onclick = () => {
        this.node.classList.remove('jp-mod-failed');
        this.node.replaceChildren(this._size, this._download);
        retry();
      };
      this.node.append(button);
    }
  }

  private _trans: TranslationBundle;
  private _size = document.createElement('span');
  private _download = document.createElement('a');
  private _progress = document.createElement('progress');
}
