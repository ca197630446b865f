"""The Telegram Bot API, played: methods, long polling and webhooks."""
