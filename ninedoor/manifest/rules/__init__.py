"""Functions that find what two or more values of a manifest get wrong together; `checks.RULES` lists them."""
