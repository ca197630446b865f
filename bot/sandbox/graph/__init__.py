"""The Graph API, played: WhatsApp Cloud API and Messenger Platform under one address."""
