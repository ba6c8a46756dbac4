"""The queue door: broker, outbox relay, sweeper, actors."""
