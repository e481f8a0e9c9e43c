import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Starts one Elasticsearch node inside this Java process and keeps it until the process is told to end (SIGTERM, SIGINT).
 *
 * <p>Arguments: the home folder (with config/ and modules/), then settings as key=value, which win over config/elasticsearch.yml.
 *
 * <p>It stands in for the launcher of the official distribution, which Maven Central doesn't have.
 */
public final class SingleNode {

  private static final int STOP_TIMEOUT_SECONDS = 20;

  private SingleNode() {}

  public static void main(String[] args) throws Exception {
    Path home = Path.of(args[0]).toAbsolutePath();
    Map<String, String> overrides = new HashMap<>();
    for (int i = 1; i < args.length; i++) {
      String[] setting = args[i].split("=", 2);
      overrides.put(setting[0], setting[1]);
    }

    LogConfigurator.registerErrorListener();
    Environment environment = InternalSettingsPreparer.prepareEnvironment(
        Settings.builder().put(Environment.PATH_HOME_SETTING.getKey(), home.toString()).build(),
        overrides,
        home.resolve("config"),
        () -> "kiosk");
    LogConfigurator.setNodeName(Node.NODE_NAME_SETTING.get(environment.settings()));
    LogConfigurator.configure(environment, true);

    // No exports between named modules: everything is on the class path here.
    PluginsLoader plugins = PluginsLoader.createPluginsLoader(
        PluginsLoader.loadModulesBundles(environment.modulesDir(), true),
        PluginsLoader.loadPluginsBundles(environment.pluginsDir(), true),
        Map.of(),
        false);
    Node node = new Node(environment, plugins);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(node), "stop"));
    node.start();
    Thread.currentThread().join();
  }

  private static void stop(Node node) {
    try {
      node.prepareForClose();
      node.close();
      if (!node.awaitClose(STOP_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        System.err.println("Elasticsearch did not close within " + STOP_TIMEOUT_SECONDS + " seconds.");
      }
    } catch (IOException error) {
      System.err.println("Elasticsearch did not close cleanly: " + error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }
}
