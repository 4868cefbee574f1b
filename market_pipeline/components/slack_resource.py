"""Slack for your own assets and for the health sensor: dagster-slack's resource, set up by the feed's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster_slack import SlackResource

from market_pipeline.settings import load_settings

if TYPE_CHECKING:
    from slack_sdk import WebClient


class FeedSlack(SlackResource):
    """Like dagster-slack's resource, but without a token it takes SLACK_BOT_TOKEN where it is used.

    Dagster's pages show the fields of a resource; the setting stays out of them. Slack's address, the CA bundle and
    the time limit are those of the alerts.
    """

    token: str = ""

    def get_client(self) -> WebClient:
        """Return a client of Slack's Web API. Raises ConfigurationError without a token."""
        from market_pipeline.alerts.channels import slack_client

        return super().get_client() if self.token else slack_client(load_settings())
