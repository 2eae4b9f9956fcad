// What stands outside the modules: values that the page or a library put on the window.

interface Window {
    planningMap: Record<string, any>;
    echarts: any;
    SwaggerUIBundle: any;
}
