"""The rules by which a text is searched for secrets, one file per kind; `yingda.conversations.secrets` is the door."""
