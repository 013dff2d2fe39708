"""What a finished study says of its policies: effects, costs, and how sure they are."""
