import { ai } from './plugins/ai';
import { aiAnswers } from './plugins/aiAnswers';
import { aiCommands } from './plugins/aiCommands';
import { aiKeys } from './plugins/aiKeys';
import { aiMentions } from './plugins/aiMentions';
import { aiWaiting } from './plugins/aiWaiting';
import { artifacts } from './plugins/artifacts';
import { cellStatus } from './plugins/cellStatus';
import { cellTypes } from './plugins/cellTypes';
import { executor } from './plugins/executor';
import { history } from './plugins/history';
import { inputs } from './plugins/inputs';
import { kernel } from './plugins/kernel';
import { runtimePanel } from './plugins/runtimePanel';
import { runtimes } from './plugins/runtimes';
import { saving } from './plugins/saving';
import { textFiles } from './plugins/textFiles';
import { trust } from './plugins/trust';
import { widgets } from './plugins/widgets';

export default [
  runtimes,
  executor,
  inputs,
  kernel,
  trust,
  artifacts,
  widgets,
  history,
  saving,
  textFiles,
  cellStatus,
  runtimePanel,
  aiAnswers,
  ai,
  cellTypes,
  aiCommands,
  aiWaiting,
  aiKeys,
  aiMentions
];
