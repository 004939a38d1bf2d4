"""A server that speaks both of OpenAI's APIs and says what a script has it say."""
