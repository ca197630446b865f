"""What the played platforms share: the company's accounts, the people, their chats, the clockwork and the trouble."""
