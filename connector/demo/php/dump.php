/* Prints every table as SQL: the MariaDB client package that we install brings no dump program. */
global $wpdb;
foreach ( $wpdb->get_col( 'SHOW TABLES' ) as $table ) {
	echo $wpdb->get_row( "SHOW CREATE TABLE `$table`", ARRAY_N )[1], ";\n";
	foreach ( $wpdb->get_results( "SELECT * FROM `$table`", ARRAY_N ) as $row ) {
		$values = array();
		foreach ( $row as $value ) {
			$values[] = null === $value
				? 'NULL'
				: "'" . $wpdb->remove_placeholder_escape( $wpdb->_real_escape( $value ) ) . "'";
		}
		echo "INSERT INTO `$table` VALUES (", implode( ',', $values ), ");\n";
	}
}
