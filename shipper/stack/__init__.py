"""The full stack: Elasticsearch, Logstash and Kibana as docker-compose.yml starts them, secured and set up."""
