// Runs after Leaflet and before Folium's script: tells Leaflet where its marker images are, and how
// to place things.
const images = window.planningMap.settings.marker_images;

// Two-dimensional transforms: with the others every marker is a layer of its own to the browser.
Object.assign(L.Browser, { ie3d: true });

if (typeof images === 'string') {
  L.Icon.Default.imagePath = images;
} else {
  L.Icon.Default.imagePath = '';
  L.Icon.Default.mergeOptions({
    iconUrl: images['marker-icon.png'],
    iconRetinaUrl: images['marker-icon-2x.png'],
    shadowUrl: images['marker-shadow.png'],
  });
}
