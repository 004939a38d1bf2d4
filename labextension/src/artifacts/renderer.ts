import type { IOutput } from '@jupyterlab/nbformat';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import {
  type IRenderMime,
  type IRenderMimeRegistry,
  MimeModel
} from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { ArtifactBar } from './bar';
import { onceInView } from './inView';
import {
  type IArtifact,
  type IReference,
  isImage,
  isPlain,
  OUTPUTS,
  readReference,
  valueOf
} from './reference';
import { ArtifactGone, type ArtifactSource } from './source';

/**
 * More than this is loaded only when somebody asks for it.
 */
const MUCH = 20e6;

/**
 * So many further outputs of a cell are shown at once.
 */
const MANY = 500;

/**
 * Shows what an output refers to as the output itself would be shown.
 *
 * It is loaded when it comes onto the screen.
 */
export class ArtifactRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _options: ArtifactRenderer.IOptions) {
    super();
    this.addClass('jp-runt-Artifact');
  }

  /**
   * Show the output with this data.
   */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._forget();
    const reference = readReference(model.data);
    if (reference === null) {
      await this._draw(model, 'text/plain', model.data['text/plain'] ?? '');
      return;
    }
    const { contents, inline, preview } = reference;
    const offered = { ...inline, ...Object.fromEntries(contents) };
    const { rendermime } = this._options;
    const mime = contents.has(OUTPUTS)
      ? OUTPUTS
      : rendermime.preferredMimeType(
          offered as unknown as IRenderMime.IMimeModel['data'],
          model.trusted ? 'any' : 'ensure'
        );
    const artifact = mime === undefined ? undefined : contents.get(mime);
    if (mime === undefined || artifact === undefined) {
      const shown = mime ?? 'text/plain';
      await this._draw(model, shown, inline[shown] ?? preview);
      return;
    }
    this._bar = new ArtifactBar(artifact, this._options.trans);
    this.node.append(this._bar.node);
    void this._options.source.url(artifact).then(
      url => this._bar && (this._bar.url = url),
      () => undefined
    );
    await this._begin(model, reference, mime, artifact);
  }

  /**
   * Load what waits, now that it may be on the screen.
   */
  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._watch();
  }

  /**
   * Load nothing more that nobody sees.
   */
  protected onBeforeDetach(message: Message): void {
    this._watching?.dispose();
    super.onBeforeDetach(message);
  }

  /**
   * Let go of what is shown.
   */
  dispose(): void {
    if (!this.isDisposed) {
      this._forget();
      super.dispose();
    }
  }

  /** Show what can be shown at once, and have the rest loaded when it is seen. */
  private async _begin(
    model: IRenderMime.IMimeModel,
    { preview }: IReference,
    mime: string,
    artifact: IArtifact
  ): Promise<void> {
    const load = () => void this._load(model, mime, artifact);
    if (isPlain(mime) || mime === OUTPUTS || artifact.size > MUCH) {
      await this._draw(model, isPlain(mime) ? mime : 'text/plain', preview);
      this._bar?.offerAll(load);
      this._bar?.node.classList.add('jp-mod-partial');
    } else {
      this.addClass('jp-mod-waiting');
      this._waiting = isImage(mime)
        ? () => void this._showImage(model, mime, artifact, preview)
        : load;
      this._watch();
    }
  }

  private _watch(): void {
    this._watching?.dispose();
    if (this._waiting !== null && this.isAttached) {
      this._watching = onceInView(this.node, () => {
        const begin = this._waiting;
        this._waiting = null;
        begin?.();
      });
    }
  }

  /** Show an image by its address, so that the browser keeps it. */
  private async _showImage(
    model: IRenderMime.IMimeModel,
    mime: string,
    artifact: IArtifact,
    preview: string
  ): Promise<void> {
    const signal = this._signal();
    const image = document.createElement('img');
    const metadata = (model.metadata[mime] ?? {}) as Record<string, unknown>;
    for (const side of ['width', 'height'] as const) {
      if (typeof metadata[side] === 'number') {
        image[side] = metadata[side];
      }
    }
    const background = model.metadata['needs_background'];
    if (background === 'light' || background === 'dark') {
      image.classList.add(`jp-needs-${background}-background`);
    }
    if (metadata['unconfined'] === true) {
      image.classList.add('jp-mod-unconfined');
    }
    image.alt = preview;
    try {
      image.src = await this._options.source.url(artifact);
      await image.decode();
    } catch {
      // Who can not be let in by a cookie asks as everything else does.
      const bytes = await this._read(artifact, signal, () => {
        void this._showImage(model, mime, artifact, preview);
      });
      if (bytes === null) {
        return;
      }
      image.src = URL.createObjectURL(new Blob([bytes], { type: mime }));
      await image.decode().catch(() => undefined);
      URL.revokeObjectURL(image.src);
    }
    if (!signal.aborted) {
      const widget = new Widget();
      widget.addClass('jp-RenderedImage');
      widget.node.dataset['mimeType'] = mime;
      widget.node.append(image);
      this._show(widget);
    }
  }

  private async _load(
    model: IRenderMime.IMimeModel,
    mime: string,
    artifact: IArtifact
  ): Promise<void> {
    const bytes = await this._read(artifact, this._signal(), () => {
      void this._load(model, mime, artifact);
    });
    if (bytes === null) {
      return;
    }
    if (mime === OUTPUTS) {
      this._drawOutputs(model, new TextDecoder().decode(bytes));
    } else {
      const value = valueOf(mime, bytes) as ReadonlyPartialJSONValue;
      await this._draw(model, mime, value);
    }
    this._bar?.node.classList.remove('jp-mod-partial');
  }

  /** Show further outputs of a cell, which are one a line, as those before them are. */
  private _drawOutputs(
    { trusted }: IRenderMime.IMimeModel,
    lines: string
  ): void {
    const values = lines
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as IOutput);
    this._show(
      new SimplifiedOutputArea({
        model: new OutputAreaModel({ values, trusted }),
        rendermime: this._options.rendermime,
        maxNumberOutputs: MANY
      })
    );
  }

  /** Read an artifact; null where that failed, which is said, or nobody waits for it now. */
  private async _read(
    artifact: IArtifact,
    signal: AbortSignal,
    retry: () => void
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const bar = this._bar;
    if (bar === null) {
      return null;
    }
    try {
      bar.loaded = 0;
      return await this._options.source.read(artifact, signal, bytes => {
        bar.loaded = bytes;
      });
    } catch (error) {
      if (!signal.aborted) {
        this.removeClass('jp-mod-waiting');
        bar.fail(error instanceof ArtifactGone, retry);
      }
      return null;
    } finally {
      bar.loaded = null;
    }
  }

  /** Show a content as the renderer of its type does. */
  private async _draw(
    model: IRenderMime.IMimeModel,
    mime: string,
    value: ReadonlyPartialJSONValue
  ): Promise<void> {
    const renderer = this._options.rendermime.createRenderer(mime);
    const drawn = renderer.renderModel(
      new MimeModel({
        data: { ...model.data, [mime]: value },
        metadata: model.metadata,
        trusted: model.trusted
      })
    );
    this._show(renderer);
    await drawn;
  }

  private _show(widget: Widget): void {
    this.removeClass('jp-mod-waiting');
    for (const before of [...this.widgets]) {
      before.dispose();
    }
    this.addWidget(widget);
  }

  private _signal(): AbortSignal {
    this._loading?.abort();
    this._loading = new AbortController();
    return this._loading.signal;
  }

  private _forget(): void {
    this._loading?.abort();
    this._watching?.dispose();
    this._waiting = null;
    this._bar?.node.remove();
    this._bar = null;
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
  }

  private _bar: ArtifactBar | null = null;
  private _loading: AbortController | null = null;
  private _waiting: (() => void) | null = null;
  private _watching: IDisposable | null = null;
}

/**
 * A namespace for ArtifactRenderer statics.
 */
export namespace ArtifactRenderer {
  /**
   * The options of a renderer.
   */
  export interface IOptions {
    /** What the contents themselves are rendered with. */
    rendermime: IRenderMimeRegistry;
    source: ArtifactSource;
    trans: TranslationBundle;
  }
}
