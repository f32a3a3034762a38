"""What a student gets: solution files -> stencil -> handout zip."""
