import './history.css';
import './saving.css';
