import './cellStatus.css';
import './history.css';
import './saving.css';
