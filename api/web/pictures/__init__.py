"""Pictures on pages: SVG made on the server, coloured by the style sheet, each told in words too.

None has a style or a script of its own, so the content security policy allows it inside a page.
"""
