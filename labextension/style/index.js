import './history.css';
