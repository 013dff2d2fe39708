"""The page to play with: a scenario to edit, its map month by month, policies beside a baseline. See `sim.app.server`."""
