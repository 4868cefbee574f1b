"""What sources share to turn bodies into quotes, bars and outcomes. Sends nothing and knows no source."""
