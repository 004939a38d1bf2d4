"""The AI's turns in a notebook: what they are shown, do, wait for, and leave behind."""
