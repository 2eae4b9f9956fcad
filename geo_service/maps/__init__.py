"""Maps: styles, layers, the page that Folium renders, and the assets it needs."""
