/**
 * OHIF's settings for this product. prepare.py copies this file beside the OHIF build; OHIF reads `window.config` from it.
 *
 * What it promises: everything OHIF asks for lives on its own origin; no study list, no upload, no sign-in page and no
 * service of another company. Who may see a study is decided by the token in the viewer link (`?token=…`), which OHIF
 * itself turns into `Authorization: Bearer …` and removes from the address bar. That token is short: before OHIF starts it
 * is exchanged for one of a session, and renewed while somebody reads (`keepReading`, below).
 *
 * @type {AppTypes.Config}
 */
const NOT_COVERED = 'This viewer link has expired or does not cover these images. Please open the study again from the record.';

/**
 * OHIF is not cleared as a medical device, and whether this hospital may use it for diagnosis is not for us to decide: each
 * person is told so once in a browser, above the images. A deployer with a cleared build writes '' here.
 */
const INVESTIGATIONAL = 'This viewer (OHIF) is for investigational use only: it is not cleared as a medical device.';

/** Under which a tab keeps that one of our pages opened it, and whether it is covered. */
const DESK = 'ehr-bridge-desk';

standWhereScriptsAre();
makeHeaderFit();
takeFromHash();
mendMetadata();
nameTheTab();
keepFramesQuiet();
keepReading();
workWithTheDesk();

window.config = {
  name: 'orthanc-ehr-bridge',
  routerBasename: '/ohif',
  extensions: [
    {
      id: 'ehr-bridge',
      getHangingProtocolModule: () => [sideBySide()].map(protocol => ({ name: protocol.id, protocol })),
      onModeEnter: ({ servicesManager }) => {
        makeRoom(servicesManager.services);
        offerWhatTheTokenMay(servicesManager.services);
        showInsteadOfBlack();
      },
    },
  ],
  modes: [], // OHIF adds the modes it is built with: viewer, segmentation, tmtv, microscopy, …

  // A guided tour that darkens the picture greets every new browser profile; on shared workstations that is every day.
  customizationService: { 'ohif.tours': { $set: [] } },

  // A token is bound to one patient's studies, so a list has nothing to show. The study list is the product's own, at /ehr/.
  showStudyList: false,

  // Whose picture is this? Name, id, sex and birth date stand in the header unasked.
  showPatientInfo: 'visible',

  investigationalUseDialog: { option: 'never' }, // it lies over the image, and greets whoever comes first each day: ours does not

  // Two workers decode and a small ward PC keeps cores for the page. Nothing here needs SharedArrayBuffer, so no COOP or
  // COEP header is required.
  maxNumberOfWebWorkers: 2,
  maxNumRequests: { interaction: 20, thumbnail: 5, prefetch: 10 },

  strictZSpacingForVolumeViewport: true, // uneven slices are not shown as if they were an even volume
  groupEnabledModesFirst: true,
  showLoadingIndicator: true,
  showCPUFallbackMessage: true,
  showWarningMessageForCrossOrigin: false, // it warns about a missing COOP/COEP, which we do not need
  showErrorDetails: 'dev', // a stack trace is no use to a doctor

  // OHIF calls this for every answer of the archive that is not a success, and fails itself when it is missing. A missing
  // slice must not go unnoticed, and "403" is no help to a doctor.
  httpErrorHandler: failure => {
    if (keepReading.isAsking) {
      return; // it starts again with the token it asked for
    }
    const error = failure?.error ?? failure ?? {};
    if (showInsteadOfBlack.isToldOf?.(error)) {
      return; // it is said in the image's own place
    }
    const status = Number(error.status ?? error.request?.status ?? /status (\d{3})/.exec(error.message)?.[1]);
    const isCovered = status !== 401 && status !== 403;
    showNotice(
      !isCovered
        ? say(NOT_COVERED)
        : say(
            'Some images could not be loaded: what you see may be incomplete. Please reload. If that does not help, ' +
              'the study may be waiting for somebody to decide whose it is (Reconciliation), or its files are in a form that ' +
              'this viewer cannot show: download them from the page of the study.'
          ),
      undefined,
      isCovered ? 'loading' : ''
    );
  },

  defaultDataSourceName: 'orthanc',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'orthanc',
      configuration: {
        friendlyName: 'Orthanc',
        name: 'orthanc',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/wado',
        wadoUri: '/wado',
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        // Debian's Orthanc 1.12.7 does not decode `includefield=00081030%2C00080060` and silently ignores it: true would
        // be a promise it cannot keep. (OHIF 3.12 sends the field whatever stands here, and does without the answer.)
        qidoSupportsIncludeField: false,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: false, // studies come in through /ehr/, where patient and order are confirmed
        omitQuotationForMultipartRequest: true,
        // Ask for bulk data (encapsulated PDF, video) as it comes: Orthanc's plugin refuses `application/pdf` by name. It is
        // fetched with the token and shown from memory; an address in <object> or <video> could carry no token.
        singlepart: 'bulkdata',
        bulkDataURI: {
          enabled: true,
          relativeResolution: 'series',
          // The server writes bulk data addresses with the host and scheme it believes to have, which behind a proxy may
          // be wrong. Cut them down to `instances/…`: OHIF then puts wadoRoot, study and series in front again.
          transform: uri => uri.replace(/^(https?:\/\/[^/]+)?\/dicom-web\/studies\/[^/]+\/series\/[^/]+\//, ''),
        },
      },
    },
  ],
};

/**
 * Two studies beside each other, one viewport each: the first and the second of the link. It takes the place of OHIF's own
 * protocol of that name, which has four viewports, of which studies with one series leave two empty.
 */
function sideBySide() {
  const study = nth => ({
    attribute: 'studyInstanceUIDsIndex',
    from: 'options',
    required: true,
    constraint: { equals: { value: nth } },
  });
  const images = { attribute: 'numImageFrames', required: true, constraint: { greaterThan: { value: 0 } } };
  const selector = nth => ({ studyMatchingRules: [study(nth)], seriesMatchingRules: [images] });
  const viewport = id => ({ viewportOptions: { toolGroupId: 'default', allowUnmatchedView: true }, displaySets: [{ id }] });
  return {
    id: '@ohif/hpCompare',
    name: 'Two studies side by side',
    description: 'The first study of the link and the second',
    numberOfPriorsReferenced: 1,
    protocolMatchingRules: [],
    toolGroupIds: ['default'],
    displaySetSelectors: { first: selector(0), second: selector(1) },
    defaultViewport: { viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true }, displaySets: [{ id: 'first', matchedDisplaySetsIndex: -1 }] },
    stages: [
      {
        name: 'Side by side',
        viewportStructure: { layoutType: 'grid', properties: { rows: 1, columns: 2 } },
        viewports: [viewport('first'), viewport('second')],
      },
    ],
  };
}

/** On a phone the list of series would leave a finger's breadth to the image: it begins closed, behind its arrow. */
function makeRoom({ hangingProtocolService, panelService }) {
  if (window.innerWidth >= 700) {
    return;
  }
  // The layout listens once it is shown; the first protocol is applied after that.
  const { unsubscribe } = hangingProtocolService.subscribe(hangingProtocolService.EVENTS.PROTOCOL_CHANGED, () => {
    unsubscribe();
    panelService._broadcastEvent(panelService.EVENTS.PANELS_CHANGED, { options: { leftPanelClosed: true } });
  });
}

/**
 * OHIF lays its logo, the tools and the patient over each other in one line: below some width nobody can read whose images
 * these are. There the logo goes, and the rest stands beside each other, in as many lines as it takes. Where OHIF is built
 * otherwise, these rules find nothing.
 */
function makeHeaderFit() {
  const logo = '[data-cy="return-to-work-list"]';
  const header = `#root :has(> * > ${logo})`;
  const tools = `${header} > :nth-child(3)`;
  const style = document.createElement('style');
  style.textContent = `
    #ehr-bridge-strip { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: center; padding: 4px 12px;
      background: #3b2f00; color: #ffe9a8; font: 14px/1.4 sans-serif; }
    #ehr-bridge-strip button { padding: 2px 12px; border: 1px solid currentcolor; border-radius: 4px; background: none; color: inherit; cursor: pointer; }
    #ehr-bridge-strip button:focus-visible { outline: 2px solid #fff; outline-offset: 2px; }
    #root > :has(> * > * > * > ${logo}) { display: flex; flex-direction: column; height: calc(100dvh - var(--ehr-bridge-strip, 0px)); }
    #root > * > :has(> * > * > ${logo}) + * { flex: 1 1 0; min-height: 0; height: auto !important; }
    @media (max-width: 1100px) {
      ${header} { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 2px; height: auto; padding: 4px 0; }
      ${header} > * { position: static; transform: none; }
      ${header} > :first-child { display: none; }
      ${tools}, ${tools} > *, ${tools} > * > * { display: contents; }
      ${header} > :last-child { margin-left: auto; }
    }`;
  document.head.append(style);
}

/**
 * Modules of OHIF that carry WebAssembly ask for the script they came with, to find their files beside it. Where they
 * begin only after that script has ended, they ask for Node's `__filename`, which no browser knows: the viewer stopped
 * there, now and then, with everything in the browser's cache. This script lies beside theirs.
 */
function standWhereScriptsAre() {
  window.__filename = document.currentScript.src;
}

/**
 * A token may also stand after `#`, where no server and no proxy on the way gets to write it into a log. OHIF looks for it
 * in the query, uses it and removes it; nothing is asked of the server in between.
 */
function takeFromHash() {
  const found = /^#token=([\w.-]+)(&desk)?$/.exec(window.location.hash);
  if (found) {
    if (found[2]) {
      keepInTab(DESK, 'open'); // one of our pages opened this tab
    }
    const { pathname, search } = window.location;
    window.history.replaceState(window.history.state, '', `${pathname}${search}${search ? '&' : '?'}token=${found[1]}`);
  }
}

/**
 * What the archive says of instances, made fit for OHIF on its way in, however the viewer was opened: alone, with earlier
 * studies, beside another one, or by a link of somebody else's.
 */
function mendMetadata() {
  const { open } = XMLHttpRequest.prototype;
  const { get } = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'response');
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    delete this.response;
    if (/^[^?]*\/dicom-web\/[^?]*\/metadata(\?|$)/.test(String(url))) {
      let mended;
      const response = () => {
        const said = get.call(this);
        if (said !== mended && Array.isArray(said)) {
          said.forEach(mendInstance);
          mended = said;
        }
        return said;
      };
      Object.defineProperty(this, 'response', { configurable: true, get: response });
    }
    return open.call(this, method, url, ...rest);
  };
}

function mendInstance(instance) {
  nameTheTab.patient?.(instance);
  dropEmptyWindow(instance);
  const groups = [...(instance['52009229']?.Value ?? []), ...(instance['52009230']?.Value ?? [])];
  groups.forEach(group => group?.['00289132']?.Value?.forEach(dropEmptyWindow));
  if (wouldStopViewer(instance)) {
    instance['00080016'].Value = ['1.2.840.10008.5.1.4.1.1.66']; // Raw Data Storage: listed, and never opened
    if (!isInOurPage()) {
      onceThereIsAPage(() =>
        showNotice('A document of this study cannot be shown by this viewer. It can be read on the page of the study.')
      );
    }
  }
}

/** Whose images these are stands in the tab's title, as the first study of the link says it: with several tabs open, nobody guesses. */
function nameTheTab() {
  const first = new URL(window.location.href).searchParams.getAll('StudyInstanceUIDs').join(',').split(',')[0];
  nameTheTab.patient = instance => {
    const value = tag => instance[tag]?.Value?.[0];
    const [family, given] = (value('00100010')?.Alphabetic ?? '').split('^').map(part => part.trim());
    const name = [family, given].filter(Boolean).join(', ');
    if (name && value('0020000D') === first) {
      const day = /^(\d{4})(\d\d)(\d\d)$/.exec(value('00080020') ?? '')?.slice(1).join('-');
      document.title = [name, value('00080060'), day].filter(Boolean).join(' · ');
    }
  };
}

/**
 * Where OHIF can draw no image, there is a black pane. In its place stand a picture of it that the server can make, or
 * words, and the way to its file. The picture is for looking only, so it says that its grey values are not the image's.
 */
function showInsteadOfBlack() {
  const { cornerstone } = window;
  if (!cornerstone || showInsteadOfBlack.isToldOf) {
    return;
  }
  const addressOf = imageId => /^wadors:(.*\/instances\/[0-9.]+)\/frames\/(\d+)$/.exec(imageId ?? '');
  const told = new Set();
  const instead = new WeakMap(); // by the element of a viewport
  const viewports = () => (cornerstone.getRenderingEngines() ?? []).flatMap(engine => engine.getViewports());
  const wantedBy = viewport => viewport.getImageIds?.()[viewport.getTargetImageIdIndex?.() ?? viewport.getCurrentImageIdIndex()];
  const show = ({ element }, imageId) => {
    const [, instance, frame] = addressOf(imageId);
    told.add(new URL(instance, window.location.href).pathname);
    document.querySelectorAll('#ehr-bridge-notices > [data-about="loading"]').forEach(notice => notice.remove());
    const panel = instead.get(element) ?? madeInstead(element);
    instead.set(element, panel);
    panel.about = imageId;
    panel.show(instance, frame, saidOf(imageId));
  };
  const saidOf = imageId => {
    const { SeriesNumber: series, SeriesDescription: name, InstanceNumber: image } = cornerstone.metaData?.get('instance', imageId) ?? {};
    return [series && `Series ${series}`, name, image && `image ${image}`, `frame ${addressOf(imageId)[2]}`].filter(Boolean).join(', ');
  };
  // The picture of one image never stands over another one, nor over one that is still loading or may not be seen.
  const clearOthers = () => {
    const panels = document.querySelectorAll('.ehr-bridge-instead');
    const wanted = new Map(panels.length ? viewports().map(viewport => [viewport.element, wantedBy(viewport)]) : []);
    panels.forEach(panel => wanted.get(panel.parentElement) === panel.about || panel.hide());
  };
  cornerstone.eventTarget.addEventListener(cornerstone.Enums.Events.IMAGE_LOAD_ERROR, ({ detail }) => {
    clearOthers();
    const status = Number(detail?.error?.request?.status ?? detail?.error?.status ?? 0);
    if (!addressOf(detail?.imageId) || status === 401 || status === 403) {
      return;
    }
    for (const viewport of viewports()) {
      if (wantedBy(viewport) === detail.imageId && viewport.element.isConnected) {
        show(viewport, detail.imageId);
      }
    }
  });
  const clear = ({ target }) => instead.get(target)?.hide();
  const { PRE_STACK_NEW_IMAGE, STACK_NEW_IMAGE, VOLUME_NEW_IMAGE, VIEWPORT_NEW_IMAGE_SET } = cornerstone.Enums.Events;
  for (const event of [STACK_NEW_IMAGE, VOLUME_NEW_IMAGE]) {
    document.addEventListener(event, clear, true);
  }
  // These also come for the very image that could not be drawn.
  for (const event of [PRE_STACK_NEW_IMAGE, VIEWPORT_NEW_IMAGE_SET]) {
    document.addEventListener(event, clearOthers, true);
  }
  window.setInterval(clearOthers, 200); // a viewport takes another stack, or goes, in more ways than it tells
  // A failure is a request, an error with one or with an address in its message, or no more than words ("Couldn't decode").
  showInsteadOfBlack.isToldOf = failure => {
    const url = failure?.responseURL || failure?.request?.responseURL || /\S*\/dicom-web\/\S+/.exec(failure?.message)?.[0];
    const found = /^(.*\/instances\/[0-9.]+)\/frames\//.exec(url ? new URL(url, window.location.href).pathname : '');
    return found ? told.has(found[1]) : typeof failure === 'string' && told.size > 0;
  };
}

/** OHIF says "Something went wrong" for every frame that fails; what it means is said by `showInsteadOfBlack` or as a notice. */
function keepFramesQuiet() {
  window.addEventListener(
    'unhandledrejection',
    event => {
      if (/\/frames\/\d/.test(event.reason?.responseURL || event.reason?.message || '')) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true // this script runs first, so this is heard before OHIF
  );
}

/**
 * Our own words over OHIF, in the language chosen in our pages of this browser, else in the browser's. OHIF's menus are English.
 */
function say(english) {
  const german = {
    'This viewer link has expired or does not cover these images. Please open the study again from the record.':
      'Dieser Link ist abgelaufen oder gilt nicht für diese Bilder. Bitte öffnen Sie die Studie noch einmal aus der Akte.',
    'This viewer (OHIF) is for investigational use only: it is not cleared as a medical device.':
      'Dieser Viewer (OHIF) ist nur für Forschungszwecke bestimmt: Er ist nicht als Medizinprodukt zugelassen.',
    'Some images could not be loaded: what you see may be incomplete. Please reload. If that does not help, the study may be waiting for somebody to decide whose it is (Reconciliation), or its files are in a form that this viewer cannot show: download them from the page of the study.':
      'Einige Bilder konnten nicht geladen werden: Was Sie sehen, ist vielleicht unvollständig. Bitte laden Sie die Seite neu. Hilft das nicht, wartet die Studie vielleicht darauf, dass jemand entscheidet, zu wem sie gehört (Abgleich), oder dieser Viewer kann ihre Dateien nicht zeigen: Laden Sie sie von der Seite der Studie herunter.',
    'It is not certain whose images these are: some of them may be of somebody else. Report nothing from them before it is decided (Reconciliation).':
      'Es ist nicht sicher, zu wem diese Bilder gehören: Einige sind vielleicht von jemand anderem. Befunden Sie sie nicht, bevor das entschieden ist (Abgleich).',
    'Instead of the image': 'Anstelle des Bildes',
    'Download the file': 'Datei herunterladen',
    'The file could not be loaded. Please try again.': 'Die Datei konnte nicht geladen werden. Bitte versuchen Sie es noch einmal.',
    'This image is in a form that this viewer cannot draw.': 'Dieser Viewer kann dieses Bild nicht zeichnen.',
    'Investigational use': 'Nur für Forschungszwecke',
    'I understand': 'Verstanden',
    Locked: 'Gesperrt',
    'These images are covered until you unlock the page from which you opened them.':
      'Diese Bilder sind verdeckt, bis Sie die Seite entsperren, von der Sie sie geöffnet haben.',
    Close: 'Schließen',
  };
  let language = null;
  try {
    language = window.localStorage.getItem('ehr-bridge.language');
  } catch {
    // a browser that keeps nothing
  }
  language ??= window.navigator?.language ?? 'en';
  return language.startsWith('de') ? (german[english] ?? english) : english;
}

/** The panel over one viewport. The wheel goes through to OHIF; its buttons do not. */
function madeInstead(element) {
  const panel = document.createElement('div');
  panel.className = 'ehr-bridge-instead';
  panel.setAttribute('role', 'group');
  panel.setAttribute('aria-label', say('Instead of the image'));
  panel.style.cssText =
    'position:absolute;inset:0;z-index:20;display:grid;grid-template-rows:minmax(0,1fr) auto;gap:8px;padding:44px 16px;' +
    'background:#000;color:#fff;font:15px/1.4 sans-serif;text-align:center;justify-items:center;align-items:center';
  let shown = '';
  const ask = (url, accept) => fetch(url, { headers: { Authorization: keepReading.authorization?.() ?? '', Accept: accept } });
  const download = (address, name) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = say('Download the file');
    button.style.cssText = 'padding:4px 12px;border:1px solid #7fb2d9;border-radius:4px;background:#041c4a;color:#fff';
    for (const event of ['mousedown', 'pointerdown', 'touchstart', 'keydown', 'dblclick']) {
      button.addEventListener(event, happened => happened.stopPropagation());
    }
    button.onclick = async () => {
      const answer = await ask(address, 'application/dicom').catch(() => null);
      if (!answer?.ok) {
        showNotice(say('The file could not be loaded. Please try again.'));
        return;
      }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await answer.blob());
      link.download = name;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 60 * 1000);
    };
    return button;
  };
  panel.hide = () => {
    shown = '';
    panel.remove();
  };
  panel.show = async (instance, frame, which) => {
    const wanted = `${instance}/frames/${frame}`;
    if (shown === wanted && panel.isConnected) {
      return;
    }
    shown = wanted;
    const [, study, series, object] = /studies\/([0-9.]+)\/series\/([0-9.]+)\/instances\/([0-9.]+)$/.exec(instance);
    const words = document.createElement('p');
    words.style.cssText = 'margin:0;max-width:60ch';
    words.setAttribute('role', 'status');
    words.textContent = say('This image is in a form that this viewer cannot draw.');
    const below = document.createElement('div');
    const file = `/wado?requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${object}&contentType=application/dicom`;
    const name = document.createElement('strong');
    name.textContent = which;
    below.append(name, words, download(file, `${object}.dcm`));
    below.style.cssText = 'display:grid;gap:8px;justify-items:center;grid-row:2';
    element.append(panel);
    panel.replaceChildren(below);
    const answer = await ask(`${wanted}/rendered`, 'image/jpeg').catch(() => null);
    const blob = answer?.ok ? await answer.blob() : null;
    if (shown !== wanted) {
      return; // it is another image's turn
    }
    if (!blob) {
      const has = Number(frame) > 1 ? 'makes a picture of the first frame of such a file at most' : 'has no picture of it either';
      words.textContent += ` The server ${has}: the file can be opened with a program that knows its form.`;
      below.style.gridRow = '1 / 3';
      return;
    }
    const picture = document.createElement('img');
    picture.alt = `Frame ${frame} of the image, as a picture made by the server`;
    picture.style.cssText = 'max-width:100%;max-height:100%;object-fit:contain;min-height:0;grid-row:1';
    picture.src = URL.createObjectURL(blob);
    picture.onload = () => URL.revokeObjectURL(picture.src);
    words.textContent =
      'A picture made by the server, for looking only: the viewer cannot draw this image, so its window cannot be changed and nothing be measured.';
    panel.replaceChildren(picture, below);
  };
  return panel;
}

/** What the token may not do is not offered: without `annotate` nothing can be saved, so OHIF asks nobody to. */
function offerWhatTheTokenMay({ customizationService }) {
  if (keepReading.operations === undefined || keepReading.operations.includes('annotate')) {
    return;
  }
  const style = document.createElement('style');
  // "Create SR" stands between "CSV" and "Delete" above the measurements of a study
  style.textContent = 'div.h-9 > div.flex.space-x-1 > button:nth-child(2):nth-last-child(2) { display: none; }';
  document.head.append(style);
  const asIfCancelled = (_, context, { data = {}, ...event }) =>
    Promise.resolve({
      userResponse: 0,
      createdDisplaySetInstanceUIDs: undefined,
      StudyInstanceUID: data.StudyInstanceUID ?? context.trackedStudy,
      SeriesInstanceUID: data.SeriesInstanceUID,
      viewportId: event.viewportId ?? data.viewportId,
      isBackupSave: event.isBackupSave ?? data.isBackupSave,
    });
  customizationService.setCustomizations({ 'measurement.promptSaveReport': { $set: asIfCancelled } });
}

/**
 * Above the viewer, never over the image, until this person has acknowledged it in this browser. Kept is a number made of
 * who they are, not their name.
 */
function tellOfInvestigationalUse(reader) {
  const kept = 'ehr-bridge-investigational';
  const name = [...String(reader)].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(0), 16777619) >>> 0, 2166136261).toString(36);
  const known = () => {
    try {
      return JSON.parse(window.localStorage.getItem(kept) ?? '[]');
    } catch {
      return []; // the browser keeps nothing: it is told each time
    }
  };
  if (!INVESTIGATIONAL || tellOfInvestigationalUse.isShown || known().includes(name)) {
    return;
  }
  tellOfInvestigationalUse.isShown = true;
  onceThereIsAPage(() => {
    const strip = document.createElement('div');
    strip.id = 'ehr-bridge-strip';
    strip.setAttribute('role', 'region');
    strip.setAttribute('aria-label', say('Investigational use'));
    const words = document.createElement('span');
    words.textContent = say(INVESTIGATIONAL);
    const close = closeButton(() => {
      try {
        window.localStorage.setItem(kept, JSON.stringify([...known(), name].slice(-500)));
      } catch {
        // told again then
      }
      strip.remove();
      room.disconnect();
      document.documentElement.style.removeProperty('--ehr-bridge-strip');
    });
    close.textContent = say('I understand');
    strip.append(words, close);
    const room = new ResizeObserver(() => document.documentElement.style.setProperty('--ehr-bridge-strip', `${strip.offsetHeight}px`));
    room.observe(strip);
    document.body.prepend(strip);
  });
}

/**
 * A window without width (0028,1051) makes every pixel black: it is left out, with its center and its explanation (0028,1055).
 * Without any, OHIF takes the range of the pixels.
 */
function dropEmptyWindow(dataset) {
  const widths = dataset?.['00281051']?.Value ?? [];
  const centers = dataset?.['00281050']?.Value ?? [];
  const isWindow = (width, at) => Number(width) > 0 && Number.isFinite(Number(centers[at] ?? NaN));
  const whole = widths.map((width, at) => (isWindow(width, at) ? at : -1)).filter(at => at >= 0);
  for (const tag of dataset && (whole.length === 0 || whole.length < widths.length) ? ['00281050', '00281051', '00281055'] : []) {
    const values = dataset[tag]?.Value ?? [];
    const kept = whole.filter(at => at < values.length).map(at => values[at]);
    if (kept.length > 0) {
      dataset[tag].Value = kept;
    } else {
      delete dataset[tag];
    }
  }
}

/**
 * A structured report with measurements of another maker's stops the whole viewer where one of its codes has no words. OHIF
 * reads plain text (Basic Text SR) and what it has written itself.
 */
function wouldStopViewer(instance) {
  const sopClass = instance['00080016']?.Value?.[0] ?? '';
  const isReport = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.(?!11$|59$)/.test(sopClass);
  return isReport && !JSON.stringify(instance).includes('ornerstone3DTools@');
}

/**
 * Say that images may be of somebody else. Who has closed that is not told again in this tab, unless it is about another
 * study, or about one that had become certain meanwhile. A page of ours around the viewer says it itself.
 */
function warnOfDoubt({ studies = [], in_doubt: inDoubt = [] }, reader) {
  if (isInOurPage()) {
    return;
  }
  const name = `ehr-bridge-doubt-closed-${reader}`;
  const isCertain = uid => studies.includes(uid) && !inDoubt.includes(uid);
  const closed = JSON.parse(readInTab(name) ?? '[]').filter(uid => !isCertain(uid));
  keepInTab(name, JSON.stringify(closed));
  warnOfDoubt.close = () => keepInTab(name, JSON.stringify([...closed, ...inDoubt])); // what is in doubt by then
  if (inDoubt.every(uid => closed.includes(uid))) {
    return;
  }
  const warn = () =>
    showNotice(
      say(
        'It is not certain whose images these are: some of them may be of somebody else. Report nothing from them before ' +
          'it is decided (Reconciliation).'
      ),
      () => warnOfDoubt.close()
    );
  onceThereIsAPage(warn);
}

/**
 * Our pages in other tabs of this browser hear that somebody works here. A tab that one of them opened is covered while they
 * are locked, or used by somebody else, and goes to the sign-in when its reader signs out there. Nothing secret is said.
 */
function workWithTheDesk() {
  if (!window.BroadcastChannel) {
    return;
  }
  const desk = new BroadcastChannel('ehr-bridge.desk');
  const opened = readInTab(DESK);
  const isOurs = opened !== null && !isInOurPage();
  let told = 0;
  let cover;
  const work = () => {
    if (!cover && Date.now() - told >= 5000) {
      told = Date.now();
      desk.postMessage({ say: 'used' });
    }
  };
  for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
    window.addEventListener(kind, work, { capture: true, passive: true });
  }
  if (!isOurs) {
    return;
  }
  const uncover = () => {
    keepInTab(DESK, 'open');
    cover?.remove();
    cover = undefined;
  };
  const hide = () => {
    keepInTab(DESK, 'covered');
    cover ??= coverPage(say('Locked'), say('These images are covered until you unlock the page from which you opened them.'));
  };
  desk.onmessage = ({ data }) => {
    const isReader = data?.username === keepReading.reader;
    if (data?.say === 'lock' || (data?.say === 'is_locked' && isReader) || (data?.say === 'open' && !isReader)) {
      onceThereIsAPage(hide);
    } else if (isReader && ['open', 'is_open', 'launched'].includes(data?.say)) {
      uncover();
    } else if (isReader && data?.say === 'out') {
      window.location.replace('/ehr/');
    }
  };
  if (opened === 'covered') {
    onceThereIsAPage(hide); // a reload opens nothing
  }
  desk.postMessage({ say: 'asks' });
}

/** Nothing of the page can be seen, heard or reached, nor read in the tab's title, until `remove` is called. */
function coverPage(title, text) {
  const dialog = document.createElement('dialog');
  dialog.style.cssText = 'visibility:visible;max-width:40ch;padding:24px;border:0;border-radius:8px;font:16px/1.5 sans-serif';
  dialog.append(Object.assign(document.createElement('strong'), { textContent: title }), Object.assign(document.createElement('p'), { textContent: text }));
  dialog.oncancel = event => event.preventDefault();
  for (const event of ['keydown', 'keyup']) {
    dialog.addEventListener(event, pressed => {
      pressed.stopPropagation();
      pressed.key === 'Escape' && pressed.preventDefault();
    });
  }
  let before = document.title;
  const keepTitle = new MutationObserver(() => {
    if (document.title !== title) {
      before = document.title;
      document.title = title;
    }
  });
  document.body.append(dialog);
  document.body.style.visibility = 'hidden';
  document.getElementById('root')?.setAttribute('inert', '');
  document.exitFullscreen?.().catch(() => {});
  dialog.showModal();
  keepTitle.observe(document.head, { subtree: true, childList: true, characterData: true });
  document.title = title;
  return {
    remove: () => {
      keepTitle.disconnect();
      document.title = before;
      document.getElementById('root')?.removeAttribute('inert');
      document.body.style.visibility = '';
      dialog.remove();
    },
  };
}

/** This script runs before the page has a body to put something into. */
function onceThereIsAPage(act) {
  if (document.body) {
    act();
  } else {
    document.addEventListener('DOMContentLoaded', act);
  }
}

/**
 * The page around the viewer, where the server lets it frame us (EHR_BRIDGE_FRAME_ANCESTORS, docs/embedding.md). The origins
 * are read from the policy that this page comes with: only whom the browser lets frame us is spoken to and listened to.
 */
function pageAround() {
  let listed = [];
  const isFramed = window.parent !== window && !isInOurPage();
  const tell = what => listed.forEach(origin => window.parent.postMessage({ type: `ehr-bridge:${what}` }, origin));
  const isReady = (isFramed ? listedOrigins() : Promise.resolve([])).then(found => {
    listed = found;
    tell('opened');
    if (listed.length) {
      onceThereIsAPage(() => offerClose(() => tell('close')));
    }
    return listed;
  });
  window.addEventListener('pagehide', () => keepReading.isStartingAgain || tell('closed'));
  return {
    isFramed,
    isReady,
    tell,
    onToken: use =>
      window.addEventListener('message', ({ source, origin, data }) => {
        if (source === window.parent && listed.includes(origin) && data?.type === 'ehr-bridge:token') {
          use(String(data.token));
        }
      }),
  };
}

/**
 * The way out of a frame, which only the page around it can remove. It stands where OHIF has its logo; in a narrow header,
 * which shows no logo (makeHeaderFit), the tools make room for it.
 */
function offerClose(onClose) {
  const style = document.createElement('style');
  style.textContent = `
    #ehr-bridge-close { position: fixed; top: calc(8px + var(--ehr-bridge-strip, 0px)); left: 8px; z-index: 9998; padding: 6px 12px; border: 1px solid #7fb2d9;
      border-radius: 4px; background: #041c4a; color: #fff; font: 14px/1.2 sans-serif; cursor: pointer; }
    #ehr-bridge-close:focus-visible { outline: 2px solid #fff; outline-offset: 2px; }
    [data-cy="return-to-work-list"] { visibility: hidden; }
    @media (max-width: 1100px) {
      #root :has(> * > [data-cy="return-to-work-list"]) { padding-left: 76px !important; }
    }`;
  const close = closeButton(onClose);
  close.id = 'ehr-bridge-close';
  document.head.append(style);
  document.body.append(close);
}

/** Enter and Space on it are not OHIF's hotkeys, which would take them from it. */
function closeButton(onClose) {
  const close = document.createElement('button');
  close.type = 'button';
  close.textContent = say('Close');
  close.onclick = onClose;
  close.onkeydown = event => event.stopPropagation();
  return close;
}

/** The origins that every policy of this page lets frame it, other than its own; none where there is no such policy. */
async function listedOrigins() {
  const answer = await fetch(window.location.pathname, { cache: 'no-store' }).catch(() => null);
  const directives = (answer?.headers.get('Content-Security-Policy') ?? '').split(/[;,]/);
  const lists = directives.map(one => one.trim().split(/\s+/)).filter(([name]) => name === 'frame-ancestors');
  const [around] = window.location.ancestorOrigins ?? []; // not in every browser
  return (lists[0] ?? []).filter(
    one => /^https?:/.test(one) && (!around || one === around) && lists.every(list => list.includes(one))
  );
}

function isInOurPage() {
  try {
    return window.parent !== window && window.parent.location.pathname.startsWith('/ehr/');
  } catch {
    return false; // a page of somebody else's
  }
}

/** Show `text` at the top of the page until it is closed; once, however many requests fail. */
function showNotice(text, onClose = () => {}, about = '') {
  const id = 'ehr-bridge-notices';
  const notices = document.getElementById(id) ?? document.createElement('div');
  if ([...notices.children].some(notice => notice.firstChild.data === text)) {
    return;
  }
  notices.id = id;
  notices.style.cssText =
    'position:fixed;top:calc(8px + var(--ehr-bridge-strip, 0px));left:50%;transform:translateX(-50%);z-index:9999;width:max-content;max-width:90vw;' +
    'display:grid;gap:8px';
  const notice = document.createElement('div');
  notice.setAttribute('role', 'alert');
  notice.dataset.about = about;
  notice.style.cssText =
    'padding:12px 16px;background:#7a1f1f;color:#fff;font:15px/1.4 sans-serif;' +
    'border-radius:6px;display:flex;gap:16px;align-items:center;justify-content:space-between';
  const close = closeButton(() => {
    notice.remove();
    onClose();
  });
  close.style.cssText = 'padding:4px 10px;border:1px solid #fff;border-radius:4px;background:none;color:#fff';
  notice.append(text, close);
  notices.append(notice);
  document.body.append(notices);
}

/** What this tab keeps until it is closed; null where nothing is kept, or the browser keeps nothing. */
function readInTab(name) {
  try {
    return window.sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function keepInTab(name, value) {
  try {
    window.sessionStorage.setItem(name, value);
  } catch {
    // a reloaded page then asks for a new link, and warns again
  }
}

/**
 * Exchange the link's token for a session's, and keep that one fresh, so that nobody loses the images in the middle.
 *
 * OHIF holds on to the token it started with. So what it sends is rewritten on its way out: any token we ever gave it
 * becomes the present one. Findings that OHIF stores (STOW-RS) go to our own door, which looks at what they are.
 */
function keepReading() {
  const door = '/api/v1/dicom/viewer-token/exchange';
  const kept = 'ehr-bridge-viewer-token';
  const address = new URL(window.location.href);
  const inLink = [...address.searchParams.keys()].find(key => key.toLowerCase() === 'token');
  const ours = new Set();
  const around = pageAround();
  let present = inLink ? address.searchParams.get(inLink) : readInTab(kept); // a reloaded page has no token in its address
  let timer;

  if (!present) {
    askForFirst();
    return;
  }
  ours.add(present);
  exchangeNow();
  address.searchParams.delete(inLink ?? 'token');
  address.searchParams.set('token', present);
  window.history.replaceState(window.history.state, '', address);
  rewriteRequests();
  document.addEventListener('visibilitychange', () => document.hidden || renewIfDue());
  around.onToken(takeFromAround);

  /** A viewer in a frame that came without any token: the page around it is asked for one, and it starts again with that. */
  function askForFirst() {
    if (!around.isFramed) {
      return;
    }
    keepReading.isAsking = true;
    around.onToken(token => {
      if (/^[\w.-]+$/.test(token)) {
        const { pathname, search } = window.location;
        window.history.replaceState(window.history.state, '', `${pathname}${search}#token=${token}`); // see takeFromHash
        keepReading.isStartingAgain = true; // for the page around it, it was never closed
        window.location.reload();
      }
    });
    around.isReady.then(listed => {
      if (listed.length) {
        around.tell('token-needed');
        window.setInterval(() => around.tell('token-needed'), 30 * 1000);
      } else {
        keepReading.isAsking = false;
        onceThereIsAPage(() => showNotice(say(NOT_COVERED)));
      }
    });
  }

  /** The first time OHIF waits, a few milliseconds: a link for one use opens nothing before it is exchanged. */
  function exchangeNow() {
    const request = new XMLHttpRequest();
    request.open('POST', door, false);
    request.setRequestHeader('Authorization', `Bearer ${present}`);
    try {
      request.send();
    } catch {
      return; // no network: OHIF goes on with the link's own token and says what it cannot load
    }
    if (request.status === 201) {
      take(JSON.parse(request.responseText));
    }
  }

  function take(renewed) {
    present = renewed.token;
    ours.add(present);
    keepReading.operations = renewed.operations;
    keepReading.authorization = () => `Bearer ${present}`;
    const { sub, iat, exp } = JSON.parse(window.atob(present.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    take.until = Date.now() + (exp - iat) * 1000; // for how long, not until when: this computer's clock may be wrong
    take.isLast = Date.parse(renewed.expires_at) >= Date.parse(renewed.renewable_until);
    keepReading.reader = sub;
    keepInTab(kept, present);
    schedule((take.until - Date.now()) * 0.6);
    warnOfDoubt(renewed, sub);
    tellOfInvestigationalUse(sub);
  }

  function schedule(milliseconds) {
    window.clearTimeout(timer);
    if (!take.isLast) {
      timer = window.setTimeout(renew, Math.max(milliseconds, 1000));
    } else {
      around.isReady.then(askAround);
    }
  }

  /** The session's last token ends: from five minutes before, the page around us is asked for a new one. */
  function askAround() {
    window.clearTimeout(timer);
    const early = 5 * 60 * 1000;
    const left = take.until - Date.now();
    if (left <= 0) {
      around.tell('ended');
      return;
    }
    if (left <= early) {
      around.tell('token-needed');
    }
    timer = window.setTimeout(askAround, left > early ? left - early : Math.min(left, 30 * 1000));
  }

  /** Go on with a token of the page around us, if it opens all that is open here. */
  async function takeFromAround(token) {
    try {
      const answer = await fetch(door, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
      const renewed = answer.status === 201 ? await answer.json() : { studies: [] };
      const open = address.searchParams.getAll('StudyInstanceUIDs').join(',').split(',');
      if (open.every(uid => renewed.studies.includes(uid))) {
        take(renewed);
      } else {
        console.warn(`ehr-bridge: the token from the page around the viewer was not taken (${answer.status})`);
      }
    } catch {
      // no network: it is asked again
    }
  }

  function renewIfDue() {
    if (take.isLast === false && take.until - Date.now() < 5 * 60 * 1000) {
      renew();
    }
  }

  async function renew() {
    try {
      const answer = await fetch(door, { method: 'POST', headers: { Authorization: `Bearer ${present}` } });
      if (answer.status === 201) {
        take(await answer.json());
      } else if (answer.status >= 500) {
        schedule(10 * 1000);
      }
    } catch {
      schedule(10 * 1000);
    }
  }

  function rewriteRequests() {
    const fresh = value => (ours.has(String(value).replace(/^Bearer /, '')) ? `Bearer ${present}` : value);
    const { open, setRequestHeader } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (method, url, ...rest) {
      return open.call(this, method, method.toUpperCase() === 'POST' ? stowDoor(url) : url, ...rest);
    };
    XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
      return setRequestHeader.call(this, name, name.toLowerCase() === 'authorization' ? fresh(value) : value);
    };
    const plainFetch = window.fetch;
    window.fetch = (resource, options) => {
      const headers = options?.headers && new Headers(options.headers);
      if (!headers?.has('Authorization')) {
        return plainFetch(resource, options);
      }
      headers.set('Authorization', fresh(headers.get('Authorization')));
      return plainFetch(resource, { ...options, headers });
    };
  }

  function stowDoor(url) {
    const target = new URL(url, window.location.href);
    const isStow = target.origin === window.location.origin && /^\/dicom-web\/studies(\/[0-9.]+)?$/.test(target.pathname);
    return isStow ? '/api/v1/dicom-web/studies' : url;
  }
}
