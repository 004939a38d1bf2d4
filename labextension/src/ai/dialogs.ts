import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { CellNames } from '../model/cellNames';
import type { IAllowed, IShownTurn } from '../services/ai';
import { AllowedView } from './allowedView';
import { ContextView } from './contextView';
import { InstructionsForm } from './instructionsForm';
import { ToolWords } from './toolWords';

/**
 * Let a person say what each model is told about a notebook.
 *
 * @returns null where they leave it as it is.
 */
export async function askForInstructions(
  instructions: string,
  trans: TranslationBundle
): Promise<string | null> {
  const { button, value } = await showDialog({
    title: trans.__('Instructions for the AI'),
    body: new InstructionsForm(instructions, trans),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Save') })
    ],
    focusNodeSelector: 'textarea'
  });
  return button.accept ? value : null;
}

/**
 * Show what a person always allows, and let them take it back.
 */
export async function showAllowed(
  allowed: readonly IAllowed[],
  onRevoke: (tool: string) => Promise<unknown>,
  trans: TranslationBundle
): Promise<void> {
  const tools = new ToolWords(trans);
  await showDialog({
    title: trans.__('What the AI may always do for you here'),
    body: new AllowedView(allowed, { tools, trans, onRevoke }),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

/**
 * Show what a model was given.
 */
export async function showContext(
  turn: IShownTurn,
  cells: CellNames,
  trans: TranslationBundle
): Promise<void> {
  const tools = new ToolWords(trans);
  await showDialog({
    title: trans.__('What the model saw'),
    body: new ContextView(turn, { cells, tools, trans }),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
