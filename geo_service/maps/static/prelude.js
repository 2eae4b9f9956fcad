// Runs after Leaflet and before Folium's script: reads the page's settings from the island
// and tells Leaflet where its marker images are. Everything of ours hangs on `planningMap`.
'use strict';

window.planningMap = {};

(function (own) {
  // Chromium keeps the shapes of words that it drew before their letters had come: an unseen bit of
  // spacing, another each time, makes it shape them anew.
  let spacing = 0;
  document.fonts.addEventListener('loadingdone', () => {
    spacing += 0.0001;
    document.documentElement.style.setProperty('--letter-spacing', `${spacing}px`);
  });

  own.settings = JSON.parse(document.getElementById('map-data').textContent);

  const images = own.settings.marker_images;
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
})(window.planningMap);
