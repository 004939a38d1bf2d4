import './ai.css';
import './artifacts.css';
import './base.css';
import './cellStatus.css';
import './history.css';
import './runtime.css';
import './saving.css';
